"""What people type or paste, read as they meant it. Every other room may ask."""
