"""The vendors that answer offline: one small HTTP server that speaks Apiframe's and WaveSpeed's protocols.

It takes the same calls as the real vendors, renders a real MP4 from the picture that it is given, bills it in a ledger,
and misbehaves on demand. `python -m stillmotion_local.vendors` runs it; `app.create_app` wires it together.

- `apiframe`, `wavespeed`: the routes of each vendor; `…_requests`: what they accept; `…_views`: how they show a
  generation.
- `submissions`: what both do with a paid POST; `studio`: what becomes of an accepted one; `pictures`, `moves`,
  `rendering`: the video; `webhooks`, `cdn`, `uploads`: what leaves the server and what enters it.
- `ledger`: what was accepted and billed, kept across restarts; `faults`, `fault_plan`, `answers`: misbehaviour;
  `control`: the calls under `/_offline`.
"""
