/* What both HVM guests do, in real mode: say "lab: ready" on the first serial line, on the
 * screen and at Xen's debug port; give back what is typed; power off when ACPI's power button
 * is pressed. `ds` holds the segment that `message` counts from. */

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
	mov	$0x0e, %ah
	mov	$7, %bx
	int	$0x10
	popa
	ret

message:
	.asciz	"lab: ready\r\n"
