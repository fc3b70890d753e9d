"""The doors, from outside: real requests to a real server on a loopback port."""
