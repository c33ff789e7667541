/* The first sector of a disk, which the BIOS loads to 0x7c00. */
	.code16
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7c00, %sp
	jmp	start
	.include "hvm.S"
	.org	510
	.word	0xaa55
