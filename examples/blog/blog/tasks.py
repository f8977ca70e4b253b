import os

from celery import Celery

from .models import Post, db

celery = Celery("blog", broker=os.environ["CELERY_BROKER_URL"])
celery.conf.task_acks_late = True  # a worker that dies over a post leaves it to the next one


@celery.task(ignore_result=True)
def count_words(post_id):
    from . import create_app  # here, because the application's views ask for this task

    with create_app().app_context():
        post = db.session.get(Post, post_id)
        # Chinese has no spaces: each of its characters counts as a word.
        post.words = sum(len([c for c in word if "\u4e00" <= c <= "\u9fff"]) or 1 for word in post.text.split())
        db.session.commit()
