from django.forms import ModelForm
from django.shortcuts import redirect, render

from .models import Entry


class EntryForm(ModelForm):
    class Meta:
        model = Entry
        fields = ["name", "text"]


def book(request):
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("/")

    return render(request, "book.html", {"form": form, "entries": Entry.objects.all()[:50]})
