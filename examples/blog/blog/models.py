from datetime import datetime

from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Post(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(200), nullable=False)
    text = db.Column(db.Text, nullable=False)
    written = db.Column(db.DateTime, nullable=False, default=datetime.now)
    words = db.Column(db.Integer)  # None until the worker has counted them
