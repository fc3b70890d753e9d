"""WHAT MUST ALWAYS BE TRUE and takes a service to tell. One file a concept; an invariant is found by being in one."""
