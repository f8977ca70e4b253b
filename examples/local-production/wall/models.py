from django.core.validators import FileExtensionValidator
from django.db import models


class Picture(models.Model):
    title = models.CharField(max_length=80)
    file = models.FileField(upload_to="wall", validators=[FileExtensionValidator(["png", "jpg", "jpeg", "webp", "gif"])])

    class Meta:
        ordering = ["-id"]
