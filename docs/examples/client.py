#!/usr/bin/env python3
"""Runs a command through the hands, streams its output, ends with its exit code: client.py SOCKET COMMAND [ARG..]"""
import base64
import json
import os
import socket
import sys


def main(path, argv):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    lines = connection.makefile("rw", encoding="utf-8", newline="\n")

    def send(id, action, **data):
        lines.write(json.dumps({"id": id, "action": action, "data": data}) + "\n")
        lines.flush()

    send(1, "hello", protocol=1, client="client.py")
    send(2, "exec", argv=argv, cwd=os.getcwd(), env=dict(os.environ), io={"kind": "pipes"}, stdin="null")
    for line in lines:
        message = json.loads(line)
        if message.get("event") == "output":
            data = message["data"]["data"]
            data = data.encode() if isinstance(data, str) else base64.b64decode(data["base64"])
            out = sys.stderr if message["data"]["stream"] == "stderr" else sys.stdout
            out.buffer.write(data)
            out.flush()
        elif message.get("success") is False:
            error = message["error"]
            sys.exit(f"error: {error['message']} ({error.get('hint') or error['code']})")
        elif message.get("id") == 2:
            outcome = message["result"]["job"]["outcome"]
            print("ended:", json.dumps(outcome), file=sys.stderr)
            return outcome.get("code", 128 + outcome.get("signal", 0))
    sys.exit("error: the hands hung up")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
