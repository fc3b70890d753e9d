"""The console page: one question, asked of billgraph and of everything it is compared with, on the same rows.

`question.graphql` is the page's query. `page` fills a database with what it shows. `handler` answers it by hand, as
somebody would who knew the page and nothing else. `strawberry_peer` and the servers in `benchmarks/peers` answer it as
a GraphQL server of their kind does by its own documentation. `race` checks that all of them say the same, then times
them turn by turn.
"""
