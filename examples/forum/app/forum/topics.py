"""Topics and their replies."""
from flask import Blueprint, jsonify, request

from . import database, times, validation
from .accounts import required_user
from .validation import Invalid

blueprint = Blueprint("topics", __name__)
TOPICS_PER_PAGE = 10
REPLIES_PER_PAGE = 10
TITLE = validation.text("标题", 100)
BODY = validation.text("内容", 20_000)
REPLY = validation.text("回复", 10_000)

MATCHES = ("topics.title LIKE %s ESCAPE '!' OR topics.body LIKE %s ESCAPE '!'"
           " OR EXISTS (SELECT 1 FROM replies WHERE replies.topic_id = topics.id AND replies.body LIKE %s ESCAPE '!')")


def _pattern(words):
    for special in "!%_":
        words = words.replace(special, "!" + special)
    return f"%{words}%"


def _paged(items, number, size, total):
    return {"items": items, "page": number, "pages": max(1, -(-total // size)), "total": total}


def _summary(row):
    return {
        "id": row["id"], "title": row["title"], "excerpt": row["body"][:140], "author": row["author"], "replies": row["replies"],
        "createdAt": times.shown(row["created_at"]), "activeAt": times.shown(row["active_at"]),
    }


def _reply(row):
    return {"id": row["id"], "author": row["author"], "body": row["body"], "createdAt": times.shown(row["created_at"])}


def _topic(topic_id, lock=False):
    row = database.query_one(
        "SELECT topics.*, users.name AS author FROM topics JOIN users ON users.id = topics.user_id WHERE topics.id = %s"
        + (" FOR UPDATE" if lock else ""), topic_id)
    if row is None:
        raise Invalid(404, "not_found", "这个话题不存在。")
    return row


@blueprint.get("/topics")
def list_topics():
    number, offset = validation.page(TOPICS_PER_PAGE)
    words = request.args.get("q", "").strip()[:100]
    where, parameters = (f"WHERE {MATCHES}", [_pattern(words)] * 3) if words else ("", [])
    total = database.query_one(f"SELECT COUNT(*) AS n FROM topics {where}", *parameters)["n"]
    rows = database.query(
        f"SELECT topics.*, users.name AS author FROM topics JOIN users ON users.id = topics.user_id {where}"
        " ORDER BY topics.active_at DESC, topics.id DESC LIMIT %s OFFSET %s", *parameters, TOPICS_PER_PAGE, offset)
    return jsonify(_paged([_summary(row) for row in rows], number, TOPICS_PER_PAGE, total))


@blueprint.post("/topics")
def create_topic():
    user = required_user()
    given = validation.body(title=TITLE, body=BODY)
    now = times.now()
    topic_id = database.execute("INSERT INTO topics (user_id, title, body, created_at, active_at) VALUES (%s, %s, %s, %s, %s)",
                                user["id"], given["title"], given["body"], now, now)
    database.commit()
    return jsonify(id=topic_id), 201


@blueprint.get("/topics/<int:topic_id>")
def show_topic(topic_id):
    number, offset = validation.page(REPLIES_PER_PAGE)
    topic = _topic(topic_id)
    rows = database.query(
        "SELECT replies.*, users.name AS author FROM replies JOIN users ON users.id = replies.user_id"
        " WHERE topic_id = %s ORDER BY replies.id LIMIT %s OFFSET %s", topic_id, REPLIES_PER_PAGE, offset)
    replies = _paged([_reply(row) for row in rows], number, REPLIES_PER_PAGE, topic["replies"])
    return jsonify({**_summary(topic), "body": topic["body"], "thread": replies})


@blueprint.post("/topics/<int:topic_id>/replies")
def reply(topic_id):
    user = required_user()
    given = validation.body(body=REPLY)
    topic = _topic(topic_id, lock=True)
    now = times.now()
    reply_id = database.execute("INSERT INTO replies (topic_id, user_id, body, created_at) VALUES (%s, %s, %s, %s)",
                                topic_id, user["id"], given["body"], now)
    database.execute("UPDATE topics SET replies = replies + 1, active_at = %s WHERE id = %s", now, topic_id)
    database.commit()
    return jsonify(id=reply_id, page=topic["replies"] // REPLIES_PER_PAGE + 1), 201
