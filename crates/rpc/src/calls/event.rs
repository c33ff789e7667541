//! Names of the messages that a server sends without being asked. Nobody can call
//! them; what is in them is in [`events`](crate::events).

use super::table::procedures;

procedures! { ROWS: Event {
    107 LOW  DomainEventLifecycle READS [];
    169 LOW  DomainEventReboot READS [];
    170 LOW  DomainEventRtcChange READS [];
    171 LOW  DomainEventWatchdog READS [];
    172 LOW  DomainEventIoError READS [];
    173 LOW  DomainEventGraphics READS [];
    195 LOW  DomainEventIoErrorReason READS [];
    224 LOW  DomainEventControlError READS [];
    241 LOW  DomainEventBlockJob READS [];
    248 LOW  DomainEventDiskChange READS [];
    268 LOW  DomainEventTrayChange READS [];
    269 LOW  DomainEventPmwakeup READS [];
    270 LOW  DomainEventPmsuspend READS [];
    276 LOW  DomainEventBalloonChange READS [];
    292 LOW  DomainEventPmsuspendDisk READS [];
    311 LOW  DomainEventDeviceRemoved READS [];
    315 LOW  NetworkEventLifecycle READS [];
    318 LOW  DomainEventCallbackLifecycle READS [];
    319 LOW  DomainEventCallbackReboot READS [];
    320 LOW  DomainEventCallbackRtcChange READS [];
    321 LOW  DomainEventCallbackWatchdog READS [];
    322 LOW  DomainEventCallbackIoError READS [];
    323 LOW  DomainEventCallbackGraphics READS [];
    324 LOW  DomainEventCallbackIoErrorReason READS [];
    325 LOW  DomainEventCallbackControlError READS [];
    326 LOW  DomainEventCallbackBlockJob READS [];
    327 LOW  DomainEventCallbackDiskChange READS [];
    328 LOW  DomainEventCallbackTrayChange READS [];
    329 LOW  DomainEventCallbackPmwakeup READS [];
    330 LOW  DomainEventCallbackPmsuspend READS [];
    331 LOW  DomainEventCallbackBalloonChange READS [];
    332 LOW  DomainEventCallbackPmsuspendDisk READS [];
    333 LOW  DomainEventCallbackDeviceRemoved READS [];
    339 LOW  DomainEventBlockJob2 READS [];
    346 LOW  DomainEventCallbackTunable READS [];
    348 LOW  DomainEventCallbackAgentLifecycle READS [];
    354 LOW  DomainEventCallbackDeviceAdded READS [];
    359 LOW  DomainEventCallbackMigrationIteration READS [];
    362 LOW  ConnectEventConnectionClosed READS [];
    363 LOW  DomainEventCallbackJobCompleted READS [];
    367 LOW  DomainEventCallbackDeviceRemovalFailed READS [];
    370 LOW  StoragePoolEventLifecycle READS [];
    373 LOW  StoragePoolEventRefresh READS [];
    376 LOW  NodeDeviceEventLifecycle READS [];
    377 LOW  NodeDeviceEventUpdate READS [];
    379 LOW  DomainEventCallbackMetadataChange READS [];
    382 LOW  SecretEventLifecycle READS [];
    383 LOW  SecretEventValueChanged READS [];
    385 LOW  DomainEventBlockThreshold READS [];
    423 LOW  DomainEventMemoryFailure READS [];
    438 LOW  DomainEventMemoryDeviceSizeChange READS [];
} }
