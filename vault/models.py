from django.db import models


class TenantKey(models.Model):
    """A tenant's data key, wrapped by the operator's ring. Deleting it shreds what it sealed."""

    tenant_id = models.BigIntegerField(primary_key=True)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"data key of tenant {self.tenant_id}"
