"""WHO IS ASKING: principals, the policy they are held to, sign-in, tokens and sessions."""
