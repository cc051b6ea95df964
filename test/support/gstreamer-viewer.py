"""A WHEP viewer by GStreamer's webrtcbin: prints a line for each second of video buffers it has received, and how ICE is.

Its libnice (Debian 12: 0.1.21) sends no connectivity checks once it is connected.
Usage: gstreamer-viewer.py WHEP_URL
"""
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

Gst.init(None)
url = sys.argv[1]
loop = GLib.MainLoop()
pipeline = Gst.Pipeline.new("viewer")
webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
pipeline.add(webrtc)
received = [0]


def say(text):
    print(text, flush=True)


def count(_pad, _info):
    received[0] += 1
    return Gst.PadProbeReturn.OK


def on_bye(_rtpbin, _session, ssrc):
    say("bye %d" % ssrc)


def on_pad(_element, pad):
    sink = Gst.ElementFactory.make("fakesink", None)
    sink.set_property("sync", False)
    sink.set_property("async", False)
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.add_probe(Gst.PadProbeType.BUFFER, count)
    pad.link(sink.get_static_pad("sink"))


def on_offer(promise, *_):
    promise.wait()
    reply = promise.get_reply()
    webrtc.emit("set-local-description", reply["offer"], Gst.Promise.new())


def on_negotiation_needed(_element):
    webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(on_offer, None, None))


def on_gathered(*_):
    if webrtc.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        return
    offer = webrtc.get_property("local-description").sdp.as_text()
    request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request) as response:
        text = response.read()
        say("location " + response.headers["Location"])
    _, sdp = GstSdp.SDPMessage.new()
    GstSdp.sdp_message_parse_buffer(text, sdp)
    answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
    webrtc.emit("set-remote-description", answer, Gst.Promise.new())


def on_state(*_):
    say("state " + webrtc.get_property("connection-state").value_nick)


def tick():
    say("buffers %d" % received[0])
    return True


webrtc.connect("on-negotiation-needed", on_negotiation_needed)
webrtc.connect("pad-added", on_pad)
webrtc.get_by_name("rtpbin").connect("on-bye-ssrc", on_bye)
webrtc.connect("notify::ice-gathering-state", on_gathered)
webrtc.connect("notify::connection-state", on_state)
caps = Gst.Caps.from_string("application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000")
webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps)
pipeline.set_state(Gst.State.PLAYING)
GLib.timeout_add_seconds(1, tick)
loop.run()
