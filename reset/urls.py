app_name = "reset"
urlpatterns = []
