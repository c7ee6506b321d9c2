"""An S3 store on loopback: moto's server, which can be told to fail, and what its buckets hold."""

import http
import threading
from contextlib import contextmanager

from made import check, make

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAVOXGUARDTEST", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test"}


class Store:
    """The server.

    Attributes:
        endpoint: Its address.
        seen: Method, path and query of every request.
        rule: Called with every request's environ; gives None, a WSGI application to answer in
            moto's place, or the status and the code of an error.
    """

    def __init__(self):
        import boto3
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        quiet = type("Quiet", (WSGIRequestHandler,), {"log": lambda *_: None})
        self.seen, self.rule = [], None
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=quiet
        )
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {
            **KEYS, "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ, start_response):
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]))
        answer = self.rule(environ) if self.rule else None
        if answer is None:
            return self._moto(environ, start_response)
        if callable(answer):
            return answer(environ, start_response)
        status, code = answer
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = f"<Error><Code>{code}</Code><Message>as the test has it</Message></Error>".encode()
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else body
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {http.HTTPStatus(status).phrase}", headers)
        return [body]

    def cut(self, environ, start_response):
        """Moto's answer, of which half is sent before the connection is closed."""
        headers = []
        answer = self._moto(environ, lambda status, given, *_: headers.extend([status, given]))
        body = b"".join(answer)
        start_response(headers[0], [*headers[1], ("Connection", "close")])
        return [body[: len(body) // 2]]

    @contextmanager
    def failing(self, rule):
        """Answer by a rule for a while."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = None

    def make(self, name):
        """A new bucket, which keeps every version of every object."""
        self.client.create_bucket(Bucket=name)
        self.client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )

    def put(self, folder, bucket, prefix=""):
        """Every file of a folder."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = prefix + path.relative_to(folder).as_posix()
            self.client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    def keys(self, bucket):
        """Of every object that is there now."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def get(self, bucket, folder):
        """Every object of a bucket as a file of a folder."""
        for key in self.keys(bucket):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        return folder

    def ever(self, bucket):
        """Content of every version of every object that was put into a bucket."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=bucket)
        versions = [version for page in pages for version in page.get("Versions", [])]
        return [
            self.client.get_object(Bucket=bucket, Key=v["Key"], VersionId=v["VersionId"])[
                "Body"
            ].read()
            for v in versions
        ]


def put(store, bucket, kind, folder, contents, per_shard=4):
    """A corpus in a bucket; gives its address."""
    make(kind, folder, contents, per_shard)
    store.put(folder, bucket)
    return f"s3://{bucket}/list.csv" if kind == "manifest" else f"s3://{bucket}"


def whole(store, bucket, kind, folder, contents, failed=()):
    """A bucket holds a complete corpus, each item once; nothing that was ever in it is raw."""
    check(kind, store.get(bucket, folder), contents, failed)
    needles = [content[2000:2064] for content in contents if len(content) > 2064]
    for held in store.ever(bucket):
        assert not any(needle in held for needle in needles)
    assert not store.client.list_multipart_uploads(Bucket=bucket).get("Uploads")
