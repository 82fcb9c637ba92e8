# A cloud image for tests, in one boot sector: it looks through the CD for the words
# "local-hostname: ", as cloud-init does in a seed's meta-data, takes what follows on that
# line for its name, writes that into the second sector of its disk, and prints it on the
# first serial port and the screen. The name is in memory at 0x7e00 too.
#
# SeaBIOS gives CD drives numbers from 0xe0 on, and sectors of 2048 bytes.
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
	cld
	movb %dl, drive
	movw $0x7e00, %di          # the sector that becomes its name
	movw $256, %cx
	rep stosw

read:                              # int 13h, AH=42h: extended read
	movw $cd, %si
	movb $1, sectors           # SeaBIOS writes back how many it has read
	movb cdrom, %dl
	movb $0x42, %ah
	int $0x13
	jc other
	movw $0x8000, %di
search:
	movw $words, %si
	movw $(end - words), %cx
	pushw %di
	repe cmpsb
	movw %di, %si
	popw %di
	je named
	incw %di
	cmpw $0x8800, %di
	jb search
	incl sector
	jmp read

other:                             # a drive may be empty: the seed is in the second
	cmpb $0xe0, cdrom
	jne nothing
	movb $0xe1, cdrom
	jmp read

nothing:
	movw $none, %si
named:
	movw $0x7e00, %di
letter:
	lodsb
	cmpb $'\n', %al
	je whole
	stosb
	call put
	jmp letter
whole:
	movw $disk, %si            # int 13h, AH=43h: extended write
	movb drive, %dl
	movw $0x4300, %ax
	int $0x13
halt:
	hlt
	jmp halt

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
	movb $0x0e, %ah            # int 10h: teletype
	movw $7, %bx
	int $0x10
	ret

cdrom:	.byte 0xe0
drive:	.byte 0
words:	.ascii "local-hostname: "
end:
none:	.ascii "no seed\n"
cd:	.byte 16, 0
sectors: .word 1
	.word 0x8000, 0            # buffer
sector:	.long 16, 0                # where a CD's file system begins
disk:	.byte 16, 0
	.word 1
	.word 0x7e00, 0
	.long 1, 0
	.org 510
	.word 0xaa55
