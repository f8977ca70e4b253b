"""A forum's JSON API under /api/v1."""
import logging

from flask import Flask, jsonify
from werkzeug.exceptions import HTTPException

from . import accounts, database, topics
from .validation import Invalid


def create_app():
    """The WSGI application; returns once the database answers and has its tables."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    database.create_tables()
    app = Flask(__name__, static_folder=None)
    app.json.ensure_ascii = False
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    app.teardown_request(database.end_request)
    app.register_blueprint(accounts.blueprint, url_prefix="/api/v1")
    app.register_blueprint(topics.blueprint, url_prefix="/api/v1")

    @app.get("/api/v1/health")
    def health():
        database.query_one("SELECT 1 AS one")
        return jsonify(status="ok")

    @app.errorhandler(Invalid)
    def invalid(error):
        return jsonify(error=error.code, message=error.message, fields=error.fields), error.status

    @app.errorhandler(HTTPException)
    def http_error(error):
        return jsonify(error=error.name.lower().replace(" ", "_"), message=error.description), error.code

    @app.errorhandler(database.Unavailable)
    def unavailable(error):
        app.logger.warning("the database does not answer: %s", error)
        return jsonify(error="unavailable", message="数据库暂时无法访问，请稍后再试。"), 503

    return app
