"""WHAT WE DO: one public function is one transaction is one business verb."""
