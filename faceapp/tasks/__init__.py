"""The bodies of jobs: run(context, service, request) -> result. They see no Qt, no HTTP and no thread."""
