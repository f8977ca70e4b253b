"""What a request may contain. Every mistake in it is reported at once, under its field's name."""
import re

from flask import request

NAME = re.compile(r"^[\w\-]{2,20}$")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Invalid(Exception):
    """Ends a request with an error that the user can do something about."""

    def __init__(self, status, code, message, fields=None):
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields or {}


def body(**rules):
    """The request's JSON object, reduced to the given fields, each checked and trimmed by its rule."""
    data = request.get_json(silent=True) if request.is_json else None
    if not isinstance(data, dict):
        raise Invalid(400, "bad_request", "请求体必须是 JSON 对象。")
    values, mistakes = {}, {}
    for field, rule in rules.items():
        value = data.get(field)
        try:
            values[field] = rule(value if isinstance(value, str) else "")
        except ValueError as mistake:
            mistakes[field] = str(mistake)
    if mistakes:
        raise Invalid(422, "invalid", "请检查输入的内容。", mistakes)
    return values


def user_name(value):
    value = value.strip()
    if not NAME.match(value):
        raise ValueError("用户名为 2–20 个字，只能包含文字、数字、下划线和连字符。")
    return value


def new_password(value):
    if not 8 <= len(value) <= 128:
        raise ValueError("密码长度为 8–128 个字符。")
    return value


def any_text(value):
    return value


def text(label, longest):
    """A rule for text of 1 to `longest` characters."""
    def rule(value):
        value = CONTROL.sub("", value.replace("\r\n", "\n")).strip()
        if not value:
            raise ValueError(f"{label}不能为空。")
        if len(value) > longest:
            raise ValueError(f"{label}不能超过 {longest} 个字（现在 {len(value)} 个）。")
        return value
    return rule


def page(size):
    """The page that ?page= asks for, as (number, offset); numbers start at 1."""
    value = request.args.get("page", "1")
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= 100_000:
        raise Invalid(422, "invalid", "页码无效。", {"page": "页码是从 1 开始的整数。"})
    return int(value[:9]), (int(value[:9]) - 1) * size
