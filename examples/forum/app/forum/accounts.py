"""Accounts and sessions: a random token in a cookie or an Authorization header, of which only the hash is stored."""
import hashlib
import secrets
from datetime import timedelta

from flask import Blueprint, jsonify, request
from werkzeug.security import check_password_hash, generate_password_hash

from . import database, times, validation
from .validation import Invalid

blueprint = Blueprint("accounts", __name__)
COOKIE = "forum_session"
LIFETIME = timedelta(days=30)
UNKNOWN_USER_HASH = generate_password_hash(secrets.token_hex())


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()


def _token():
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")


def current_user():
    """The user who sent the request, or None."""
    token = _token()
    return database.query_one(
        "SELECT users.id, users.name, users.created_at FROM sessions JOIN users ON users.id = sessions.user_id"
        " WHERE token_hash = %s AND expires_at > %s", _hash(token), times.now()) if token else None


def required_user():
    user = current_user()
    if user is None:
        raise Invalid(401, "unauthorized", "请先登录。")
    return user


def _shown(user):
    return {"id": user["id"], "name": user["name"], "createdAt": times.shown(user["created_at"])}


def _signed_in(user, status):
    token = secrets.token_urlsafe(32)
    now = times.now()
    database.execute("DELETE FROM sessions WHERE expires_at <= %s", now)
    database.execute("INSERT INTO sessions (token_hash, user_id, expires_at) VALUES (%s, %s, %s)", _hash(token), user["id"], now + LIFETIME)
    database.commit()
    response = jsonify(user=_shown(user), token=token)
    response.set_cookie(COOKIE, token, max_age=int(LIFETIME.total_seconds()), httponly=True, samesite="Lax",
                        secure=request.headers.get("X-Forwarded-Proto") == "https")
    return response, status


@blueprint.post("/register")
def register():
    given = validation.body(name=validation.user_name, password=validation.new_password)
    now = times.now()
    try:
        user_id = database.execute("INSERT INTO users (name, password_hash, created_at) VALUES (%s, %s, %s)",
                                   given["name"], generate_password_hash(given["password"]), now)
    except database.Duplicate:
        raise Invalid(409, "taken", "这个用户名已被使用。", {"name": "这个用户名已被使用，换一个试试。"}) from None
    return _signed_in({"id": user_id, "name": given["name"], "created_at": now}, 201)


@blueprint.post("/login")
def login():
    given = validation.body(name=validation.any_text, password=validation.any_text)
    user = database.query_one("SELECT id, name, password_hash, created_at FROM users WHERE name = %s", given["name"].strip())
    # An unknown name takes as long as a wrong password.
    right = check_password_hash(user["password_hash"] if user else UNKNOWN_USER_HASH, given["password"])
    if user is None or not right:
        raise Invalid(401, "wrong_credentials", "用户名或密码不正确。")
    return _signed_in(user, 200)


@blueprint.post("/logout")
def logout():
    database.execute("DELETE FROM sessions WHERE token_hash = %s", _hash(_token()))
    database.commit()
    response = jsonify(user=None)
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
    return response


@blueprint.get("/me")
def me():
    user = current_user()
    return jsonify(user=_shown(user) if user else None)
