/* What both HVM guests do, in real mode: say "lab: ready" on the first serial line, on the
 * screen and at Xen's debug port; give back what is typed on the line and on the keyboard;
 * power off when ACPI's power button is pressed. `ds` holds the segment that `message` counts
 * from. */

start:
	mov	$message, %si
1:	lodsb
	test	%al, %al
	jz	wait
	call	say
	jmp	1b

/* The timer of the BIOS wakes it 18 times a second. */
wait:
	sti
	hlt
	mov	$0xb000, %dx		/* ACPI's PM1a status; the button is bit 8 */
	in	%dx, %ax
	test	$1, %ah
	jnz	off
keys:
	mov	$1, %ah			/* has the keyboard something? */
	int	$0x16
	jz	read
	xor	%ah, %ah
	int	$0x16
	call	say
	jmp	keys
read:
	mov	$0x3fd, %dx		/* has the serial line something? */
	in	%dx, %al
	test	$1, %al
	jz	wait
	mov	$0x3f8, %dx
	in	%dx, %al
	call	say
	jmp	read

off:
	mov	$0xb004, %dx		/* PM1a control: sleep, of type 0, which is off */
	mov	$0x2000, %ax
	out	%ax, %dx
	cli
	hlt
	jmp	off

/* Says the character in al. */
say:
	pusha
	mov	$0x3f8, %dx
	out	%al, %dx
	mov	$0xe9, %dx
	out	%al, %dx
	/* Without a card for a screen the BIOS writes what is for it on the serial line, where
	 * it would be said twice. The code of a card is below the BIOS's own segment. */
	push	%es
	xor	%bx, %bx
	mov	%bx, %es
	cmpw	$0xf000, %es:0x42
	pop	%es
	jae	1f
	mov	$0x0e, %ah
	mov	$7, %bx
	int	$0x10
1:	popa
	ret

message:
	.asciz	"lab: ready\r\n"
