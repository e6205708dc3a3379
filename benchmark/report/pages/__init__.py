"""Pages of HTML that need nothing else: no network, no script but their own."""
