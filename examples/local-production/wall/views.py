from django.forms import ModelForm
from django.shortcuts import redirect, render

from .models import Picture


class PictureForm(ModelForm):
    class Meta:
        model = Picture
        fields = ["title", "file"]


def wall(request):
    form = PictureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("/")

    return render(request, "wall.html", {"form": form, "pictures": Picture.objects.all()[:50]})
