/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of libexpat that weft uses, opened at run time: only an import from libvirt needs
 * them.
 */
#pragma once

#include <expat.h>

#include "base/compiler.h"

struct xml_library {
	XML_Parser (*parser_create)(const XML_Char *encoding);
	void (*parser_free)(XML_Parser parser);
	void (*set_user_data)(XML_Parser parser, void *data);
	void (*set_element_handler)(XML_Parser parser, XML_StartElementHandler start,
				    XML_EndElementHandler end);
	void (*set_character_data_handler)(XML_Parser parser, XML_CharacterDataHandler handler);
	void (*set_start_doctype_decl_handler)(XML_Parser parser,
					       XML_StartDoctypeDeclHandler handler);
	enum XML_Status (*parse)(XML_Parser parser, const char *text, int size, int is_final);
	enum XML_Status (*stop_parser)(XML_Parser parser, XML_Bool resumable);
	enum XML_Error (*get_error_code)(XML_Parser parser);
	const XML_LChar *(*error_string)(enum XML_Error code);
	XML_Size (*get_current_line_number)(XML_Parser parser);
	XML_Size (*get_current_column_number)(XML_Parser parser);
	XML_Index (*get_current_byte_index)(XML_Parser parser);
};

/*
 * Opens it, once for the process. Return: 0; -ENOENT: it is not there or too old, *@ret_why says
 * which; -EOPNOTSUPP: it was left out of this build, which is linked statically.
 */
int xml_library_open(const struct xml_library **ret, const char **ret_why) must_use;
