import os

from flask import Flask
from flask_migrate import Migrate

from . import views
from .models import Post, db


def create_app():
    app = Flask(__name__)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=os.environ["DB_URI"],
        # A connection that the database has closed meanwhile is not handed out.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
    )
    db.init_app(app)
    Migrate(app, db)
    app.register_blueprint(views.pages)

    @app.cli.command("first-posts")
    def first_posts():
        """Writes two posts into a blog that has none."""
        if db.session.query(Post).first() is None:
            for title, text in [("你好，世界", "第一篇 🎉"), ("What a worker does", "It counts the words of each post, so that no reader waits for it.")]:
                views.write(title, text)

    return app
