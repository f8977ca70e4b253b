from django.core.validators import FileExtensionValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=80)),
                ("file", models.FileField(upload_to="wall", validators=[FileExtensionValidator(["png", "jpg", "jpeg", "webp", "gif"])])),
            ],
            options={"ordering": ["-id"]},
        )
    ]
