"""Is this machine ready? One function per check, each with its fix."""
