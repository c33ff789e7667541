//! Calls about checkpoints of domains, known by name: no driver for Xen has them.

use super::table::procedures;

procedures! { ROWS: Checkpoint {
    411 LOW  DomainCheckpointCreateXML WRITES [Domain: Checkpoint, FsFreeze if QUIESCE_CHECKPOINT];
    412 LOW  DomainCheckpointGetXMLDesc READS_BUT_SECURE [Domain: Read, ReadSecure if SECURE];
    413 HIGH DomainListAllCheckpoints READS [Domain: Read];
    414 HIGH DomainCheckpointListAllChildren READS [Domain: Read];
    415 HIGH DomainCheckpointLookupByName READS [Domain: Read];
    416 HIGH DomainCheckpointGetParent READS [Domain: Read];
    417 LOW  DomainCheckpointDelete WRITES [Domain: Checkpoint];
} }
