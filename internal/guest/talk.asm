# An operating system for tests in one boot sector that talks on the first serial
# port, at 115200 baud: it says "boot" and answers each line with "got: LINE". A
# line that begins with "!" restarts the computer, one with "*" is answered with
# 200 lines of 1,000 letters. It halts while nothing is typed.
#
#   as --32 talk.asm -o talk.o
#   ld -m elf_i386 -Ttext 0x7c00 --oformat binary talk.o -o talk.bin
.code16
.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	cld
	sti

	movw $setup, %si           # registers of the 16550A, as port and value
init:
	lodsw
	testw %ax, %ax
	jz begin
	movw %ax, %dx
	lodsb
	outb %al, %dx
	jmp init
begin:
	movw $hello, %si
	call say

line:
	movw $buffer, %di
more:
	call get
	cmpb $'\r', %al
	je full
	cmpb $'\n', %al
	je full
	stosb
	cmpw $buffer + 200, %di
	jb more
full:
	cmpw $buffer, %di          # an empty line says nothing
	je line
	movb $0, %al
	stosb
	movb buffer, %al
	cmpb $'!', %al
	je restart
	cmpb $'*', %al
	je flood
answer:
	movw $got, %si
	call say
	movw $buffer, %si
	call say
	movw $end, %si
	call say
	jmp line

flood:
	movw $200, %bx
lines:
	movw $1000, %cx
letters:
	movb $'x', %al
	call put
	loop letters
	movw $end, %si
	call say
	decw %bx
	jnz lines
	jmp answer

restart:
	movb $0xfe, %al            # the keyboard controller resets the processor
	outb %al, $0x64
	hlt
	jmp restart

say:
	lodsb
	testb %al, %al
	jz done
	call put
	jmp say

put:
	movb %al, %ah
	movw $0x3fd, %dx
busy:
	inb %dx, %al
	testb $0x20, %al
	jz busy
	movb %ah, %al
	movw $0x3f8, %dx
	outb %al, %dx
done:
	ret

get:
	movw $0x3fd, %dx
	inb %dx, %al
	testb $1, %al
	jnz there
	hlt                        # until the timer's next tick
	jmp get
there:
	movw $0x3f8, %dx
	inb %dx, %al
	ret

setup:
	.word 0x3fb
	.byte 0x80
	.word 0x3f8
	.byte 0x01
	.word 0x3f9
	.byte 0x00
	.word 0x3fb
	.byte 0x03
	.word 0x3fa
	.byte 0x07
	.word 0x3fc
	.byte 0x03
	.word 0
hello:
	.asciz "boot\r\n"
got:
	.asciz "got: "
end:
	.asciz "\r\n"
	.org 510
	.word 0xaa55
	.set buffer, 0x7e00
