"""A WHEP viewer by aiortc: prints `frames N` after the 20th decoded frame, then ends its session and prints its status.

Usage: aiortc-viewer.py WHEP_URL
"""
import asyncio
import sys
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from aiortc import RTCPeerConnection, RTCSessionDescription


def ask(url, method, body=None):
    headers = {"Content-Type": "application/sdp"} if body else {}
    return urlopen(Request(url, data=body, headers=headers, method=method), timeout=60)


async def main(url):
    peer = RTCPeerConnection()
    receiver = peer.addTransceiver("video", direction="recvonly").receiver
    await peer.setLocalDescription(await peer.createOffer())
    answer = await asyncio.to_thread(ask, url, "POST", peer.localDescription.sdp.encode())
    session = urljoin(url, answer.headers["Location"])
    await peer.setRemoteDescription(RTCSessionDescription(answer.read().decode(), "answer"))
    frames = 0
    while frames < 20:
        await receiver.track.recv()
        frames += 1
    print("frames %d" % frames, flush=True)
    ended = await asyncio.to_thread(ask, session, "DELETE")
    print("deleted %d" % ended.status, flush=True)
    await peer.close()


asyncio.run(main(sys.argv[1]))
