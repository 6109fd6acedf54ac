//! Requests of data subjects: taken in from lists, stored once as identities. Must not know raw exports or datasets.
