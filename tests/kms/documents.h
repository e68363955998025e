/**
 * @file documents.h Good documents written by hand, in the manner of the examples of annex D: times
 * without a zone, hexadecimal in either case. The keys are no keys; the reader does not mind.
 */
#ifndef TESTS_KMS_DOCUMENTS_H
#define TESTS_KMS_DOCUMENTS_H

#define HEX_8   "0123456789abcdEF"
#define HEX_32  HEX_8 HEX_8 HEX_8 HEX_8
#define HEX_64  HEX_32 HEX_32
#define HEX_256 HEX_64 HEX_64 HEX_64 HEX_64

#define UID_HEX    "74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4"
#define UID_BASE64 "dOKvgDq11yhBu87QzjGf/mT2/iPIii0liqvPasVljvQ="

#define DOC_START                                                                                  \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<KmsResponse xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"\n"                                   \
    "    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" Id=\"r7\" Version=\"1.0.0\">\n"   \
    "  <UserUri>user@example.org</UserUri>\n"                                                      \
    "  <KmsUri>kms.example.org</KmsUri>\n"                                                         \
    "  <Time>2014-01-26T10:05:52</Time>\n"                                                         \
    "  <KmsId>KMSProvider12345</KmsId>\n"                                                          \
    "  "                                                                                           \
    "<ClientReqUrl>http://kms.example.org/keymanagement/identity/v1/x?a=1&amp;b</ClientReqUrl>\n"
#define DOC_END "</KmsResponse>"

#define DOC_CERT                                                                                   \
    "<KmsCertificate Id=\"c1\" Version=\"1.1.0\" Role=\"Root\" IsSecurityGateway=\"false\">\n"     \
    "  <CertUri>cert1.kms.example.org</CertUri>\n"                                                 \
    "  <KmsUri>kms.example.org</KmsUri>\n"                                                         \
    "  <Issuer>www.example.org</Issuer>\n"                                                         \
    "  <ValidFrom>2000-01-26T00:00:00</ValidFrom>\n"                                               \
    "  <ValidTo>2100-01-26T23:59:59+01:00</ValidTo>\n"                                             \
    "  <Revoked>false</Revoked>\n"                                                                 \
    "  <UserIdFormat>2</UserIdFormat>\n"                                                           \
    "  <UserKeyPeriod>2592000</UserKeyPeriod>\n"                                                   \
    "  <UserKeyOffset>0</UserKeyOffset>\n"                                                         \
    "  <PubEncKey>04" HEX_256 "</PubEncKey>\n"                                                     \
    "  <PubAuthKey>04" HEX_64 "</PubAuthKey>\n"                                                    \
    "  <ParameterSet>1</ParameterSet>\n"                                                           \
    "  <KmsDomainList><KmsDomain>sec1.example.org</KmsDomain>"                                     \
    "<KmsDomain> sec2.example.org\n</KmsDomain></KmsDomainList>\n"                                 \
    "</KmsCertificate>\n"
#define DOC_LEAN_CERT                                                                              \
    "<KmsCertificate><KmsUri>kms.example.net</KmsUri><UserIdFormat>2</UserIdFormat>"               \
    "<UserKeyPeriod>3600</UserKeyPeriod><UserKeyOffset>17</UserKeyOffset>"                         \
    "<PubEncKey>04" HEX_256 "</PubEncKey><PubAuthKey>04" HEX_64 "</PubAuthKey></KmsCertificate>\n"

#define DOC_KEYSET                                                                                 \
    "<KmsKeySet Version=\"1.1.0\">\n"                                                              \
    "  <KmsUri>kms.example.org</KmsUri>\n"                                                         \
    "  <CertUri>cert1.kms.example.org</CertUri>\n"                                                 \
    "  <Issuer>www.example.org</Issuer>\n"                                                         \
    "  <UserUri>user@example.org</UserUri>\n"                                                      \
    "  <UserID>" UID_BASE64 "</UserID>\n"                                                          \
    "  <ValidFrom>2015-12-30T00:00:00</ValidFrom>\n"                                               \
    "  <ValidTo>2016-03-29T23:59:59.999Z</ValidTo>\n"                                              \
    "  <KeyPeriodNo>1514</KeyPeriodNo>\n"                                                          \
    "  <Revoked>0</Revoked>\n"                                                                     \
    "  <UserDecryptKey xsi:type=\"KeyContentType\">04" HEX_256 "</UserDecryptKey>\n"               \
    "  <UserSigningKeySSK xsi:type=\"KeyContentType\">\n    " HEX_32 "\n  </UserSigningKeySSK>\n"  \
    "  <UserPubTokenPVT xsi:type=\"KeyContentType\">04" HEX_64 "</UserPubTokenPVT>\n"              \
    "</KmsKeySet>\n"
#define DOC_LEAN_KEYSET                                                                            \
    "<k:KmsKeySet xmlns:k=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"><k:KmsUri>k</k:KmsUri>"            \
    "<k:UserUri>u</k:UserUri><k:UserID>" UID_HEX "</k:UserID><k:KeyPeriodNo>0</k:KeyPeriodNo>"     \
    "<k:UserDecryptKey xsi:type=\"k:KeyContentType\">04" HEX_256 "</k:UserDecryptKey>"             \
    "<UserSigningKeySSK>" HEX_32 "</UserSigningKeySSK>"                                            \
    "<UserPubTokenPVT>04" HEX_64 "</UserPubTokenPVT></k:KmsKeySet>\n"

#define DOC_INIT                                                                                   \
    DOC_START "<KmsMessage>\n<KmsInit>\n" DOC_CERT "</KmsInit>\n</KmsMessage>\n" DOC_END
#define DOC_KEYS                                                                                   \
    DOC_START "<KmsMessage>\n<KmsKeyProv Version=\"1.0.0\" "                                       \
              "xsi:type=\"KmsKeyProvTkIkType\">\n" DOC_KEYSET DOC_LEAN_KEYSET                      \
              "</KmsKeyProv>\n</KmsMessage>\n" DOC_END
#define DOC_NO_KEYS DOC_START "<KmsMessage><KmsKeyProv/></KmsMessage>" DOC_END
#define DOC_CACHE                                                                                  \
    DOC_START                                                                                      \
    "<KmsMessage><KmsCertCache Version=\"1.0.0\" CacheNum=\"18\">\n" DOC_CERT DOC_LEAN_CERT        \
    "</KmsCertCache></KmsMessage>" DOC_END
#define DOC_ERROR                                                                                  \
    DOC_START "<KmsError><ErrorCode>-404</ErrorCode><ErrorMsg>no such\n\tcertificate &lt;x>"       \
              "&#13;</ErrorMsg></KmsError>" DOC_END

#endif
