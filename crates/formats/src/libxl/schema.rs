//! libxl's types as its releases have them: which field of `libxl_domain_config`
//! is of which type, and since when. How they are used is in `release`.
//!
//! Made of the history of Xen's `libxl_types.idl` from 4.5 to 4.22. A field is
//! `name:type`, with `@6` when Xen 4.6 is the first to have it and `-9` when 4.9 is
//! the last; a type with `[]` is a list of it. Words of enumerations likewise.

/// Structures: their name and their fields.
pub(super) const STRUCTURES: &[(&str, &str)] = &[
    (
        "domain_config",
        "\
         c_info:domain_create_info b_info:domain_build_info disks:device_disk[] \
         nics:device_nic[] pcidevs:device_pci[] vfbs:device_vfb[] vkbs:device_vkb[] \
         vtpms:device_vtpm[] on_poweroff:action_on_shutdown on_reboot:action_on_shutdown \
         on_watchdog:action_on_shutdown on_crash:action_on_shutdown channels:device_channel[] \
         rdms:device_rdm[]@6 dtdevs:device_dtdev[]@6 usbctrls:device_usbctrl[]@7 \
         usbdevs:device_usbdev[]@7 on_soft_reset:action_on_shutdown@7 p9:device_p9[]@9-9 \
         p9s:device_p9[]@10 vdispls:device_vdispl[]@10 pvcallsifs:device_pvcallsif[]@11 \
         vsnds:device_vsnd[]@12 virtios:device_virtio[]@18",
    ),
    (
        "domain_create_info",
        "\
         type:domain_type hap:flag oos:flag ssidref:int name:text uuid:text xsdata:pairs \
         platformdata:pairs poolid:int run_hotplug_scripts:flag pvh:flag-8 driver_domain:flag \
         ssid_label:text pool_name:text passthrough:passthrough@13 domid:int@14 \
         xend_suspend_evtchn_compat:flag@14",
    ),
    (
        "domain_build_info",
        "\
         max_vcpus:int avail_vcpus:bits cpumap:bits numa_placement:flag tsc_mode:tsc_mode \
         max_memkb:int target_memkb:int video_memkb:int shadow_memkb:int rtc_timeoffset:int \
         localtime:flag disable_migrate:flag cpuid:cpuid blkdev_start:text \
         device_model_version:device_model_version device_model_stubdomain:flag \
         device_model:text device_model_ssidref:int extra:texts extra_pv:texts \
         extra_hvm:texts sched_params:domain_sched_params ioports:ioport_range[] irqs:int[] \
         nodemap:bits exec_ssidref:int iomem:iomem_range[] claim_mode:flag event_channels:int \
         vcpu_hard_affinity:bits[] vcpu_soft_affinity:bits[] exec_ssid_label:text \
         device_model_ssid_label:text kernel:text cmdline:text ramdisk:text \
         vnuma_nodes:vnode_info[]@6 device_tree:text@6 device_model_user:text@7 acpi:flag@8 \
         altp2m:altp2m_mode@9 max_grant_frames:int@10 max_maptrack_frames:int@10 \
         bootloader:text@10 bootloader_args:texts@10 timer_mode:timer_mode@10 \
         nested_hvm:flag@10 apic:flag@10 dm_restrict:flag@10 iommu_memkb:int@13 \
         tee:tee_type@13 stubdomain_memkb:int@14 stubdomain_kernel:text@14 \
         stubdomain_ramdisk:text@14 vmtrace_buf_kb:int@15 max_grant_version:int@16 \
         stubdomain_cmdline:text@16 vpmu:flag@16 bootloader_restrict:flag@18 \
         bootloader_user:text@18 llc_colors:int[]@20 altp2m_count:int@21 \
         trap_unmapped_accesses:flag@21 xenstore_feature_mask:int@21 \
         xenstore_quota:xs_quota_list@22 type.hvm:hvm type.pv:pv arch_arm:arch_arm@6 \
         type.pvh:pvh@10 arch_x86:arch_x86@15 type.invalid:empty",
    ),
    (
        "domain_sched_params",
        "\
         sched:scheduler weight:int cap:int period:int slice:int latency:int extratime:int \
         budget:int",
    ),
    ("ioport_range", "first:int number:int"),
    ("vga_interface_info", "kind:vga_interface_type"),
    (
        "vnc_info",
        "enable:flag listen:text passwd:text display:int findunused:flag",
    ),
    (
        "sdl_info",
        "enable:flag opengl:flag display:text xauthority:text",
    ),
    (
        "spice_info",
        "\
         enable:flag port:int tls_port:int host:text disable_ticketing:flag passwd:text \
         agent_mouse:flag vdagent:flag clipboard_sharing:flag usbredirection:int \
         image_compression:text@6 streaming_video:text@6",
    ),
    ("iomem_range", "start:int number:int gfn:int"),
    (
        "vnode_info",
        "memkb:int@6 distances:int[]@6 pnode:int@6 vcpus:bits@6",
    ),
    (
        "rdm_reserve",
        "strategy:rdm_reserve_strategy@6 policy:rdm_reserve_policy@6",
    ),
    ("smbios", "key:smbios_type@18 value:text@18"),
    ("arm_sci", "type:arm_sci_type@21"),
    ("xs_quota_list", "quota:xs_quota_item[]@22"),
    ("xs_quota_item", "name:text@22 val:int@22"),
    (
        "hvm",
        "\
         firmware:text bios:bios_type pae:flag apic:flag acpi:flag acpi_s3:flag acpi_s4:flag \
         nx:flag viridian:flag timeoffset:text hpet:flag vpt_align:flag timer_mode:timer_mode \
         nested_hvm:flag nographic:flag vga:vga_interface_info vnc:vnc_info keymap:text \
         sdl:sdl_info spice:spice_info gfx_passthru:flag serial:text boot:text usb:flag \
         usbdevice:text soundhw:text xen_platform_pci:flag smbios_firmware:text \
         acpi_firmware:text usbdevice_list:texts usbversion:int vendor_device:vendor_device \
         viridian_enable:bits viridian_disable:bits mmio_hole_memkb:int ms_vm_genid:any \
         serial_list:texts altp2m:flag@6 hdtype:hdtype@6 rdm:rdm_reserve@6 \
         rdm_mem_boundary_memkb:int@6 gfx_passthru_kind:gfx_passthru_kind@7 \
         system_firmware:text@8 acpi_laptop_slate:flag@9 mca_caps:int@10 vkb_device:flag@13 \
         smbios:smbios[]@18 pirq:flag@19 xen_platform_pci_bar_uc:flag@21",
    ),
    (
        "pv",
        "\
         kernel:text slack_memkb:int bootloader:text bootloader_args:texts cmdline:text \
         ramdisk:text features:text e820_host:flag",
    ),
    (
        "arch_arm",
        "\
         gic_version:gic_version@6 vuart:vuart_type@10 sve_vl:sve_type@18 nr_spis:int@19 \
         arm_sci:arm_sci@21",
    ),
    (
        "pvh",
        "pvshim:flag@10 pvshim_path:text@10 pvshim_cmdline:text@10 pvshim_extra:text@10",
    ),
    ("arch_x86", "msr_relaxed:flag@15"),
    (
        "device_disk",
        "\
         backend_domid:int pdev_path:text vdev:text backend:disk_backend format:disk_format \
         script:text removable:int readwrite:int is_cdrom:int backend_domname:text \
         direct_io_safe:bool discard_enable:flag colo_enable:flag@7 \
         colo_restore_enable:flag@7 colo_host:text@7 colo_port:int@7 colo_export:text@7 \
         active_disk:text@7 hidden_disk:text@7 specification:disk_specification@17 \
         transport:disk_transport@17 irq:int@17 base:int@17 trusted:flag@17 \
         grant_usage:flag@19",
    ),
    (
        "device_nic",
        "\
         backend_domid:int devid:int mtu:int model:text mac:text ip:text bridge:text \
         ifname:text script:text nictype:nic_type rate_bytes_per_interval:int \
         rate_interval_usecs:int backend_domname:text gatewaydev:text \
         coloft_forwarddev:text@7 colo_sock_mirror_id:text@9 colo_sock_mirror_ip:text@9 \
         colo_sock_mirror_port:text@9 colo_sock_compare_pri_in_id:text@9 \
         colo_sock_compare_pri_in_ip:text@9 colo_sock_compare_pri_in_port:text@9 \
         colo_sock_compare_sec_in_id:text@9 colo_sock_compare_sec_in_ip:text@9 \
         colo_sock_compare_sec_in_port:text@9 colo_sock_compare_notify_id:text@9 \
         colo_sock_compare_notify_ip:text@9 colo_sock_compare_notify_port:text@9 \
         colo_sock_redirector0_id:text@9 colo_sock_redirector0_ip:text@9 \
         colo_sock_redirector0_port:text@9 colo_sock_redirector1_id:text@9 \
         colo_sock_redirector1_ip:text@9 colo_sock_redirector1_port:text@9 \
         colo_sock_redirector2_id:text@9 colo_sock_redirector2_ip:text@9 \
         colo_sock_redirector2_port:text@9 colo_filter_mirror_queue:text@9 \
         colo_filter_mirror_outdev:text@9 colo_filter_redirector0_queue:text@9 \
         colo_filter_redirector0_indev:text@9 colo_filter_redirector0_outdev:text@9 \
         colo_filter_redirector1_queue:text@9 colo_filter_redirector1_indev:text@9 \
         colo_filter_redirector1_outdev:text@9 colo_compare_pri_in:text@9 \
         colo_compare_sec_in:text@9 colo_compare_out:text@9 colo_compare_notify_dev:text@9 \
         colo_sock_sec_redirector0_id:text@9 colo_sock_sec_redirector0_ip:text@9 \
         colo_sock_sec_redirector0_port:text@9 colo_sock_sec_redirector1_id:text@9 \
         colo_sock_sec_redirector1_ip:text@9 colo_sock_sec_redirector1_port:text@9 \
         colo_filter_sec_redirector0_queue:text@9 colo_filter_sec_redirector0_indev:text@9 \
         colo_filter_sec_redirector0_outdev:text@9 colo_filter_sec_redirector1_queue:text@9 \
         colo_filter_sec_redirector1_indev:text@9 colo_filter_sec_redirector1_outdev:text@9 \
         colo_filter_sec_rewriter0_queue:text@9 colo_checkpoint_host:text@9 \
         colo_checkpoint_port:text@9 trusted:flag@17 vlan:text@19",
    ),
    (
        "device_pci",
        "\
         func:int dev:int bus:int domain:int vdevfn:int vfunc_mask:int msitranslate:bool \
         power_mgmt:bool permissive:bool seize:bool rdm_policy:rdm_reserve_policy@6 \
         name:text@15",
    ),
    (
        "device_vfb",
        "\
         backend_domid:int devid:int vnc:vnc_info sdl:sdl_info keymap:text \
         backend_domname:text",
    ),
    (
        "device_vkb",
        "\
         backend_domid:int devid:int backend_domname:text backend_type:vkb_backend@12 \
         unique_id:text@12 feature_disable_keyboard:bool@12 feature_disable_pointer:bool@12 \
         feature_abs_pointer:bool@12 feature_raw_pointer:bool@12 feature_multi_touch:bool@12 \
         width:int@12 height:int@12 multi_touch_width:int@12 multi_touch_height:int@12 \
         multi_touch_num_contacts:int@12",
    ),
    (
        "device_vtpm",
        "backend_domid:int backend_domname:text devid:int uuid:text",
    ),
    (
        "device_channel",
        "\
         backend_domid:int backend_domname:text devid:int name:text \
         connection.socket:device_channel.socket connection.pty:empty",
    ),
    ("device_channel.socket", "path:text"),
    (
        "device_rdm",
        "start:int@6 size:int@6 policy:rdm_reserve_policy@6",
    ),
    ("device_dtdev", "path:text@6"),
    (
        "device_usbctrl",
        "\
         type:usbctrl_type@7 devid:int@7 version:int@7 ports:int@7 backend_domid:int@7 \
         backend_domname:text@7",
    ),
    (
        "device_usbdev",
        "ctrl:int@7 port:int@7 type.hostdev:device_usbdev.hostdev@7",
    ),
    ("device_usbdev.hostdev", "hostbus:int@7 hostaddr:int@7"),
    (
        "device_p9",
        "\
         backend_domid:int@9 backend_domname:text@9 tag:text@9 path:text@9 \
         security_model:text@9 devid:int@9 type:p9_type@19 max_space:int@19 max_files:int@19 \
         max_open_files:int@19 auto_delete:bool@19",
    ),
    (
        "device_vdispl",
        "\
         backend_domid:int@10 backend_domname:text@10 devid:int@10 be_alloc:bool@10 \
         connectors:connector_param[]@10",
    ),
    (
        "connector_param",
        "id:text@10-11 width:int@10 height:int@10 unique_id:text@12",
    ),
    (
        "device_pvcallsif",
        "backend_domid:int@11 backend_domname:text@11 devid:int@11",
    ),
    (
        "device_vsnd",
        "\
         backend_domid:int@12 backend_domname:text@12 devid:int@12 short_name:text@12 \
         long_name:text@12 params:vsnd_params@12 pcms:vsnd_pcm[]@12",
    ),
    (
        "vsnd_params",
        "\
         sample_rates:int[]@12 sample_formats:vsnd_pcm_format[]@12 channels_min:int@12 \
         channels_max:int@12 buffer_size:int@12",
    ),
    (
        "vsnd_pcm",
        "name:text@12 params:vsnd_params@12 streams:vsnd_stream[]@12",
    ),
    (
        "vsnd_stream",
        "unique_id:text@12 type:vsnd_stream_type@12 params:vsnd_params@12",
    ),
    (
        "device_virtio",
        "\
         backend_domid:int@18 backend_domname:text@18 type:text@18 \
         transport:virtio_transport@18 grant_usage:flag@18 devid:int@18 irq:int@18 \
         base:int@18",
    ),
    (
        "empty",
        "\
         ",
    ),
];

/// Enumerations: their name and their words.
pub(super) const ENUMERATIONS: &[(&str, &str)] = &[
    ("domain_type", "invalid hvm pv pvh@10"),
    (
        "passthrough",
        "default@13 disabled@13 enabled@13 sync_pt@13 share_pt@13",
    ),
    ("tsc_mode", "default always_emulate native native_paravirt"),
    (
        "device_model_version",
        "qemu_xen_traditional qemu_xen unknown none@7-9",
    ),
    (
        "scheduler",
        "unknown sedf credit credit2 arinc653 rtds null@9",
    ),
    ("bios_type", "rombios seabios ovmf unknown"),
    (
        "timer_mode",
        "\
         delay_for_missed_ticks no_delay_for_missed_ticks no_missed_ticks_pending \
         one_missed_tick_pending unknown",
    ),
    ("vga_interface_type", "cirrus std none qxl@6 unknown@7"),
    ("vendor_device", "none xenserver"),
    ("hdtype", "ide@6 ahci@6"),
    ("rdm_reserve_strategy", "ignore@6 host@6"),
    ("rdm_reserve_policy", "invalid@6 strict@6 relaxed@6"),
    ("gic_version", "default@6 v2@6 v3@6"),
    ("gfx_passthru_kind", "default@7 igd@7"),
    ("altp2m_mode", "disabled@9 mixed@9 external@9 limited@9"),
    ("vuart_type", "unknown@10 sbsa_uart@10"),
    ("tee_type", "none@13 optee@13 ffa@18"),
    (
        "smbios_type",
        "\
         bios_vendor@18 bios_version@18 system_manufacturer@18 system_product_name@18 \
         system_version@18 system_serial_number@18 baseboard_manufacturer@18 \
         baseboard_product_name@18 baseboard_version@18 baseboard_serial_number@18 \
         baseboard_asset_tag@18 baseboard_location_in_chassis@18 enclosure_manufacturer@18 \
         enclosure_serial_number@18 enclosure_asset_tag@18 battery_manufacturer@18 \
         battery_device_name@18 oem@18",
    ),
    (
        "sve_type",
        "\
         hw@18 disabled@18 128@18 256@18 384@18 512@18 640@18 768@18 896@18 1024@18 1152@18 \
         1280@18 1408@18 1536@18 1664@18 1792@18 1920@18 2048@18",
    ),
    ("arm_sci_type", "none@21 scmi_smc@21"),
    ("disk_backend", "unknown phy tap qdisk standalone@17"),
    ("disk_format", "unknown qcow qcow2 vhd raw empty qed@9"),
    ("disk_specification", "unknown@17 xen@17 virtio@17"),
    ("disk_transport", "unknown@17 mmio@17"),
    ("nic_type", "vif_ioemu vif unknown"),
    ("vkb_backend", "unknown@12 qemu@12 linux@12"),
    (
        "action_on_shutdown",
        "\
         destroy restart restart_rename preserve coredump_destroy coredump_restart \
         soft_reset@7",
    ),
    ("usbctrl_type", "auto@7 pv@7 devicemodel@7 qusb@7"),
    ("p9_type", "unknown@19 qemu@19 xen_9pfsd@19"),
    (
        "vsnd_pcm_format",
        "\
         s8@12 u8@12 s16_le@12 s16_be@12 u16_le@12 u16_be@12 s24_le@12 s24_be@12 u24_le@12 \
         u24_be@12 s32_le@12 s32_be@12 u32_le@12 u32_be@12 f32_le@12 f32_be@12 f64_le@12 \
         f64_be@12 iec958_subframe_le@12 iec958_subframe_be@12 mu_law@12 a_law@12 \
         ima_adpcm@12 mpeg@12 gsm@12",
    ),
    ("vsnd_stream_type", "p@12 c@12"),
    ("virtio_transport", "unknown@18 mmio@18"),
];
