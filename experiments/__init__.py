"""One runnable script per published table or figure."""
