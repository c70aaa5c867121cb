collect_ignore = ["make.py"]  # It imports mutmut, which has an environment of its own.
