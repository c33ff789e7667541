//! Calls that need an agent in the guest, or another hypervisor's machinery. They
//! are known by name, so that clients are told so.

use crate::calls::table::procedures;

procedures! { ROWS: Domain {
    249 LOW  DomainOpenGraphics WRITES [Domain: OpenGraphics];
    294 LOW  DomainFSTrim WRITES [Domain: FsTrim];
    335 LOW  DomainFSFreeze WRITES [Domain: FsFreeze];
    336 LOW  DomainFSThaw WRITES [Domain: FsFreeze];
    343 LOW  DomainOpenGraphicsFD WRITES [Domain: OpenGraphics];
    349 LOW  DomainGetFSInfo WRITES [Domain: FsFreeze];
    351 LOW  DomainGetIOThreadInfo READS [Domain: Read];
    352 LOW  DomainPinIOThread WRITES [Domain: Write, Save if STORED];
    355 LOW  DomainAddIOThread WRITES [Domain: Write, Save if STORED];
    356 LOW  DomainDelIOThread WRITES [Domain: Write, Save if STORED];
    357 LOW  DomainSetUserPassword WRITES [Domain: SetPassword];
    365 LOW  DomainGetPerfEvents READS [Domain: Read];
    366 LOW  DomainSetPerfEvents WRITES [Domain: Write];
    371 LOW  DomainGetGuestVcpus WRITES [Domain: Write];
    372 LOW  DomainSetGuestVcpus WRITES [Domain: Write];
    396 LOW  DomainGetLaunchSecurityInfo READS [Domain: Read];
    402 LOW  DomainSetIOThreadParams WRITES [Domain: Write, Save if STORED];
    418 LOW  DomainGetGuestInfo WRITES [Domain: Write];
    420 LOW  DomainAgentSetResponseTimeout WRITES [Domain: Write];
    421 LOW  DomainBackupBegin WRITES [Domain: Checkpoint, BlockWrite];
    422 HIGH DomainBackupGetXMLDesc READS [Domain: Read];
    424 LOW  DomainAuthorizedSSHKeysGet WRITES [Domain: Write];
    425 LOW  DomainAuthorizedSSHKeysSet WRITES [Domain: Write];
    427 LOW  DomainStartDirtyRateCalc WRITES [Domain: Write];
    439 LOW  DomainSetLaunchSecurityState WRITES [Domain: Write];
    443 LOW  DomainFDAssociate WRITES [Domain: Write];
} }
