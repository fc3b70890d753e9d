"""How does a client's build make its documents known?

It writes a manifest; this checks every document in it as the server would, and adds them to the operator's file. A
server that is running finds them there by itself. Nothing is ever taken out: old clients live long.
"""

from pathlib import Path

from api.cli.books import NotAccepted, say
from api.execution import Operations
from api.operations import Refused
from api.settings import Settings
from api.trusted_documents import read_manifest, write
from resolvers.roots import schema


def register(settings: Settings, manifest: Path) -> None:
    """Add the documents of a manifest to the file, all of them or none."""
    path = settings.trusted_documents_file
    if path is None:
        raise NotAccepted("set BILLGRAPH_TRUSTED_DOCUMENTS_FILE to the file that the servers read")
    found, known = read_manifest(manifest), read_manifest(path) if path.exists() else {}
    operations = Operations(schema, settings.limits)
    for identity, text in found.items():
        if known.get(identity, text) != text:
            raise NotAccepted(f"{identity} is registered for another document; an id stands for one for good")
        try:
            operations.check(text)
        except Refused as refused:
            raise NotAccepted(f"{identity}: {refused.errors[0].message}") from refused
    write(path, known | found)
    say(f"{len(found.keys() - known.keys())} documents added to {path}, which has {len(known | found)}")
