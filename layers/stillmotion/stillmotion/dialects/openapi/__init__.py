"""The API's contract: one OpenAPI 3.1 document for all three dialects, and a page to read it.

- `schemas`: JSON Schemas of the code's own types; `operation`: one route, as the document tells of it.
- `declarations`, `models`, `forms`, `records`: what is declared, and the models and records in it.
- `outbound`: what a tenant's server is told; `example_jobs`, `examples`: what is answered, from the code's own views.
- `document`: all of it joined; `page`: the same for people; `serving`: the two routes that anybody may call.

It is made when it is first asked for: no other call imports any of this.
"""
