import os

from flask import Blueprint, jsonify, redirect, render_template, request
from redis import Redis

from .models import Post, db
from .tasks import count_words

pages = Blueprint("pages", __name__)
redis = Redis(os.environ["REDIS_HOST"])


def write(title, text):
    post = Post(title=title, text=text)
    db.session.add(post)
    db.session.commit()
    count_words.delay(post.id)
    return post


def described(post):
    return {"id": post.id, "title": post.title, "words": post.words, "reads": int(redis.get(f"reads:{post.id}") or 0)}


@pages.get("/")
def index():
    posts = db.session.query(Post).order_by(Post.id.desc()).limit(20).all()
    return render_template("index.html", posts=posts)


@pages.get("/posts/<int:post_id>")
def read(post_id):
    post = db.get_or_404(Post, post_id)
    return render_template("post.html", post=post, reads=redis.incr(f"reads:{post_id}"))


@pages.post("/posts")
def create():
    title, text = request.form.get("title", "").strip(), request.form.get("text", "").strip()
    if not title or len(title) > 200 or not text:
        return "A post has a title of at most 200 characters, and a text.", 422

    return redirect(f"/posts/{write(title, text).id}")


@pages.get("/api/posts")
def listed():
    return jsonify([described(post) for post in db.session.query(Post).order_by(Post.id).all()])
