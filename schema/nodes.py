"""What do all things with an id have in common?

An id that finds them again, and an owner: the organization whose data they are, which every guard asks about.
"""

import strawberry

from models.organizations import Organization


@strawberry.interface(description="A thing with an id by which it can be found again.")
class Node:
    id: strawberry.ID = strawberry.field(description="The global id: opaque, and the same for ever.")
    owner: strawberry.Private[Organization]
