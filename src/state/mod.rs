//! What `state` holds of datasets: versions, companions, last instants, key ids. Must not know raw values.
