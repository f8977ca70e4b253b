from django.conf import settings
from django.conf.urls.static import static
from django.urls import path

from wall import views

# static() adds something only with DEBUG; in production nginx serves what was uploaded.
urlpatterns = [path("", views.wall)] + static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
