# A whole operating system for tests, in one boot sector: ten times a second it
# writes its boot ID and a count into a sector of its own of the disk it started
# from (sector 1 + count), prints both on the first serial port and the screen, and
# halts in between. Boot ID and count are little-endian at the sector's begin; the
# ID is the processor's cycle counter at the start.
#
#   as --32 count.asm -o count.o
#   ld -m elf_i386 -Ttext 0x7c00 --oformat binary count.o -o count.bin
.code16
.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	sti
	movb %dl, drive
	rdtsc
	movl %eax, boot

next:
	incl count
	movl boot, %eax
	movl %eax, 0x8000
	movl count, %eax
	movl %eax, 0x8004
	movl %eax, lba
	movw $dap, %si             # int 13h, AH=43h: extended write
	movb drive, %dl
	movw $0x4300, %ax
	int $0x13
	jc failed
	movl boot, %ebx
	call hex
	movb $' ', %al
	call put
	movl count, %ebx
	call hex
	movb $'\r', %al
	call put
	movb $'\n', %al
	call put
	movw $2, %cx               # two ticks of 55 ms
wait:
	movl 0x46c, %eax
tick:
	hlt
	cmpl 0x46c, %eax
	je tick
	loop wait
	jmp next

failed:
	movb $'!', %al
	call put
	hlt
	jmp failed

hex:                               # prints %ebx
	movw $8, %cx
digit:
	roll $4, %ebx
	movb %bl, %al
	andb $15, %al
	addb $'0', %al
	cmpb $'9', %al
	jbe decimal
	addb $('a' - '9' - 1), %al
decimal:
	call put
	loop digit
	ret

put:                               # prints %al
	pushw %ax
	movw $0x3fd, %dx
busy:
	inb %dx, %al
	testb $0x20, %al
	jz busy
	popw %ax
	movw $0x3f8, %dx
	outb %al, %dx
	pushw %bx
	movb $0x0e, %ah            # int 10h: teletype
	movw $7, %bx
	int $0x10
	popw %bx
	ret

drive:	.byte 0
boot:	.long 0
count:	.long 0
dap:	.byte 16, 0
	.word 1                    # sectors
	.word 0x8000, 0            # buffer
lba:	.long 0, 0
	.org 510
	.word 0xaa55
