/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening libexpat.
 */
#include <config.h>
#include <errno.h>
#include <stdbool.h>

#include "base/library.h"
#include "import/xml-library.h"

#if LIBEXPAT
#define FUNCTION(member, name) LIBRARY_FUNCTION(xml_library, member, name)

static const struct library_function functions[] = {
	FUNCTION(parser_create, "XML_ParserCreate"),
	FUNCTION(parser_free, "XML_ParserFree"),
	FUNCTION(set_user_data, "XML_SetUserData"),
	FUNCTION(set_element_handler, "XML_SetElementHandler"),
	FUNCTION(set_character_data_handler, "XML_SetCharacterDataHandler"),
	FUNCTION(set_start_doctype_decl_handler, "XML_SetStartDoctypeDeclHandler"),
	FUNCTION(parse, "XML_Parse"),
	FUNCTION(stop_parser, "XML_StopParser"),
	FUNCTION(get_error_code, "XML_GetErrorCode"),
	FUNCTION(error_string, "XML_ErrorString"),
	FUNCTION(get_current_line_number, "XML_GetCurrentLineNumber"),
	FUNCTION(get_current_column_number, "XML_GetCurrentColumnNumber"),
	FUNCTION(get_current_byte_index, "XML_GetCurrentByteIndex"),
};

int xml_library_open(const struct xml_library **ret, const char **ret_why)
{
	static struct xml_library library;
	static bool open;

	if (!open &&
	    library_open("libexpat.so.1", functions, ARRAY_SIZE(functions), &library, ret_why) < 0)
		return -ENOENT;
	open = true;
	*ret = &library;
	return 0;
}
#else
int xml_library_open(const struct xml_library **ret, const char **ret_why)
{
	*ret_why = "this weft is linked statically, without libexpat";
	return -EOPNOTSUPP;
}
#endif
