"""Kafka: senders push into ``vertikal.inbox``, the log goes out in ``vertikal.log``; refusals have their own topic."""
