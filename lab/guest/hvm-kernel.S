/* As much of Linux's boot protocol as a loader looks at: one sector with the header, one with
 * what is run in real mode, and a kernel that nobody enters. The loader copies a kernel byte
 * by byte, which takes minutes for a real one here. */
	.code16
	.org	0x1f1
	.byte	1			/* sectors of setup after the first */
	.word	0			/* root is mounted for reading and writing */
	.long	0x40			/* the kernel's size in 16 bytes */
	.word	0, 0xffff, 0		/* unused, video mode, root device */
	.word	0xaa55
	jmp	start
	.ascii	"HdrS"
	.word	0x0202			/* version of the protocol */
	.org	0x211
	.byte	1			/* the kernel belongs at 1 MiB */
	.org	0x214
	.long	0x100000
	.org	0x240
	.include "hvm.S"
	.org	0x800
