#!/usr/bin/env python3
"""A serial port that is none: a pseudo-terminal whose bytes go to a gateway.

  pty_bridge.py 127.0.0.1:5021

The first line on standard output is the path of the terminal. Standard library only.
"""
import os
import pty
import socket
import sys
import threading
import tty


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    gateway = socket.create_connection((host, int(port)))
    near, far = pty.openpty()
    tty.setraw(far)
    print(os.ttyname(far), flush=True)

    def back():
        while data := gateway.recv(4096):
            os.write(near, data)

    threading.Thread(target=back, daemon=True).start()
    while data := os.read(near, 4096):
        gateway.sendall(data)


if __name__ == "__main__":
    main()
