"""A WHIP publisher by GStreamer's webrtcbin: sends a test picture as H.264 until it is ended.

Usage: gstreamer-camera.py WHIP_URL PATTERN
"""
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

Gst.init(None)
url, pattern = sys.argv[1:3]
pipeline = Gst.parse_launch(
    "videotestsrc is-live=true pattern=%s ! video/x-raw,width=320,height=180,framerate=15/1 ! videoconvert"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! webrtcbin name=webrtc bundle-policy=max-bundle" % pattern
)
webrtc = pipeline.get_by_name("webrtc")


def say(text):
    print(text, flush=True)


def on_offer(promise, *_):
    promise.wait()
    reply = promise.get_reply()
    if reply.has_field("offer"):
        webrtc.emit("set-local-description", reply["offer"], Gst.Promise.new())
    else:
        # It may be asked for before its first buffer says what it sends.
        GLib.timeout_add(100, offer_again)


def offer_again():
    webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(on_offer, None, None))
    return False


def on_negotiation_needed(_element):
    offer_again()


def on_gathered(*_):
    if webrtc.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        return
    offer = webrtc.get_property("local-description").sdp.as_text()
    request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request) as response:
        text = response.read()
        say("answered %d" % response.status)
    _, sdp = GstSdp.SDPMessage.new()
    GstSdp.sdp_message_parse_buffer(text, sdp)
    answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
    webrtc.emit("set-remote-description", answer, Gst.Promise.new())


for transceiver in range(1):
    webrtc.emit("get-transceiver", transceiver).set_property(
        "direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
    )
webrtc.connect("on-negotiation-needed", on_negotiation_needed)
webrtc.connect("notify::ice-gathering-state", on_gathered)
pipeline.set_state(Gst.State.PLAYING)
GLib.MainLoop().run()
