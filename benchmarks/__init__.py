"""How fast is it, and does it hold? Proofs at full size; the suite runs each in a short form.

They live beside the house and not in it: `billgraph bench` finds them in a checkout and is honest where there is none.
"""
