"""The migrations, one module each; what one did is never changed afterwards."""
