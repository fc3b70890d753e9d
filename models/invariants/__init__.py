"""WHAT MUST ALWAYS BE TRUE of the rows. One file a concept; an invariant is found by being in one."""
